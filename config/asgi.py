"""The ASGI application: Django answers HTTP requests, Channels answers WebSockets."""

import os

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
http_application = get_asgi_application()

# Consumers import models, which can be imported only after Django has loaded its applications.
from attendance.sockets.urls import websocket_urlpatterns  # noqa: E402
from config.proxies import ForwardedHeadersMiddleware  # noqa: E402

application = ForwardedHeadersMiddleware(
    ProtocolTypeRouter({"http": http_application, "websocket": URLRouter(websocket_urlpatterns)})
)
