"""The machine that the program runs on: its disks, its desktop, its scheduler. Windows, macOS and Linux alike."""
