"""A campaign: returns received, their versions, what differs from the forms as sent, the merge, the journal."""
