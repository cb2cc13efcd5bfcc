"""Many contracts put together: found, each taken one by one, then one dataset, one workbook and one page for all."""
