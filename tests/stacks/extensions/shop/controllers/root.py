"""The namespace of the shop, whose events use the extensions."""

from tg import TGController, app_globals, expose, request
from tgext.asyncjob import asyncjob_perform, asyncjob_running_uid
from tgext.mailer import Message, get_mailer
from tgext.pluggable import call_partial, plug_url
from tgext.rq.redis_config import RedisConfig

from tgext.socketio import SocketIOController, SocketIOTGNamespace
from tgext.socketio.pubsub import PubSubTGNamespace


def count(number):
    assert asyncjob_running_uid().startswith("asyncjob_")
    SocketIO.namespace("/shop").emit("counted", number)


class Shop(PubSubTGNamespace):
    def subscribe_renders(self):
        pass

    def on_invite(self, address):
        mail = Message(
            "Come in", recipients=[address], sender="shop@example.org", body="Open"
        )
        get_mailer(request).send(mail)
        self.emit_on_commit("invited", address)
        if address.startswith("nobody"):
            raise LookupError(address)

    def on_count(self, number):
        asyncjob_perform(count, number)

    def on_render(self, number):
        RedisConfig().rq_queue("default").enqueue("jobs.render", number)

    def on_draw(self, number):
        from tasks import draw

        draw.delay(number)

    def on_assets(self):
        return app_globals.webassets["shop"].urls()

    def on_total(self, amount):
        total = call_partial("cart.partials:total", amount=amount)
        return [total, plug_url("cart", "/add")]


class Till(SocketIOTGNamespace):
    """Plugged; nobody mounts it."""

    def on_pay(self, amount):
        return f"paid {amount}"


class SocketIO(SocketIOController):
    shop = Shop


class RootController(TGController):
    socketio = SocketIO()

    @expose("kajiki:shop.index")
    def index(self):
        return {}
