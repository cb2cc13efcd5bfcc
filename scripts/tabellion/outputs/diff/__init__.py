"""Two workbooks compared by meaning: what each says, found again by stable ids, and what one says otherwise."""
