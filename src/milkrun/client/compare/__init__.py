"""`milkrun compare`: what a client per request costs against one shared client, counted where it happens."""
