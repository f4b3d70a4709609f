"""Pure rules: no input, no output, no clock. Values go in, values come out."""
