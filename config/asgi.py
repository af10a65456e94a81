"""The ASGI application: pages and API through Django, sockets through Channels."""

import os

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
pages = get_asgi_application()

# Consumers import models: only after Django has its applications.
from attendance.sockets.urls import websocket_urlpatterns  # noqa: E402
from config.proxies import TrustProxies  # noqa: E402

application = TrustProxies(ProtocolTypeRouter({"http": pages, "websocket": URLRouter(websocket_urlpatterns)}))
