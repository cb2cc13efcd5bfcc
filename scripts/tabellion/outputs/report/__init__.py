"""The report: the state of the contract on one page, for whoever steers it."""
