"""What people see, as data: names of sheets and tables, columns of the forms, labels, colours and fonts."""
