// see include/
