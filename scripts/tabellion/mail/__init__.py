"""Mail: letters and their delivery, who is told of which return, what was told already."""
