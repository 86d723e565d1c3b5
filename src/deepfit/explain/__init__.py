"""What a trained network leans on."""
