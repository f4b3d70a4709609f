"""Proxies: HTTP and HTTPS ones by CONNECT, and SOCKS5; what they do wrong is never blamed on the target."""

from milkrun.client.proxy.address import Proxy

__all__ = ["Proxy"]
