"""From the documents to the broker: pending events → log → publisher."""
