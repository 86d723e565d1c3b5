"""One task a file, named by its Hugging Face task id where there is one.

Listing this folder is the list of features.
"""
