"""What leaves the house besides workbooks of its own: annotated copies for those who sent a file."""
