int f(void) { return nope; }
