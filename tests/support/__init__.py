"""What the tests share: contracts in memory, places of cells."""
