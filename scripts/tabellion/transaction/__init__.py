"""Files put in place: whole, together or not at all, one run at a time, never over one that somebody has open."""
