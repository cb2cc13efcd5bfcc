"""What each command does, without its command line: one module and one function a command, files at the edges."""
