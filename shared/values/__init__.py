"""Values that everything is made of: bounds of numbers and instants, texts, exact decimals, intervals. Pure."""
