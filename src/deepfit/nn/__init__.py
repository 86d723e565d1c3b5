"""Networks and their parts; they take plain sizes and know nothing of tasks."""
