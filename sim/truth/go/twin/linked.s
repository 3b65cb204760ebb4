// Empty: with it, functions without a body may be declared and linked to another package.
