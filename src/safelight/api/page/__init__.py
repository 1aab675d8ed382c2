"""The page: what a browser is given to watch pictures develop; all it shows it asks the API."""

from safelight.api.page.addresses import STATIC, opens
from safelight.api.page.assets import load
from safelight.api.page.routes import router

__all__ = ["STATIC", "load", "opens", "router"]
