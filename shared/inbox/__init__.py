"""From the broker to the documents: order, gaps, retries, parking."""
