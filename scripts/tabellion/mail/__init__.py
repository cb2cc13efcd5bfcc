"""Mail: which notices are due, which were sent already, their delivery."""
