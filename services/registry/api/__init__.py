"""The registry over HTTP.

Records have names of their own, so no POST needs an idempotency key: the same body again is answered as the
first time and changes nothing; another body under a name that is taken answers 409.
"""

from services.registry.api import accounts, editions, organisation

routers = (organisation.router, accounts.router, editions.router)
