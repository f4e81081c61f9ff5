"""The pages of the cart, which send to the sockets of the shop."""

from tg import TGController, config, expose


class RootController(TGController):
    @expose()
    def add(self, what):
        from shop.controllers.root import SocketIO

        SocketIO.namespace("/shop").emit("added", what)
        return config["package"].__name__
