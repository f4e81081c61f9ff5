"""TurboGears' own wrappers, around events: what they find out is found when it is read.

For a page, the wrapper of the identity looks up the user, and that of the translation
reads the session and the languages of the browser. Most events use neither.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from tg import hooks
from tg.appwrappers.i18n import I18NApplicationWrapper
from tg.appwrappers.identity import IdentityApplicationWrapper

from .identities import EventIdentity
from .identity import set_identity
from .userquery import with_one_query


class IdentityWrapper(IdentityApplicationWrapper):
    """Gives events an identity whose user is looked up when it is first read."""

    def __init__(self, handler: Callable[..., Any], config: Any) -> None:
        super().__init__(handler, config)
        self._provider = with_one_query(self.tgmdprovider, config)

    def __call__(self, controller: Any, environ: dict[str, Any], context: Any) -> Any:
        identity = environ.get("repoze.who.identity")
        if not identity or identity["repoze.who.userid"] is None:
            return super().__call__(controller, environ, context)
        if not self.options["allow_missing_user"]:
            # Whether there is an identity depends on the user.
            return super().__call__(controller, environ, context)
        if type(identity) is EventIdentity:
            identity.forget()  # the transaction is tried again
        else:
            identity = EventIdentity(identity, self._provider)
        set_identity(environ, identity)
        environ["repoze.who.identity"] = identity
        environ["repoze.what.credentials"] = identity
        return self.next_handler(controller, environ, context)


class TranslationWrapper(I18NApplicationWrapper):
    """Chooses the languages of an event when something is translated."""

    def __init__(self, handler: Callable[..., Any], config: Any) -> None:
        super().__init__(handler, config)
        self._choose = I18NApplicationWrapper(_nothing, config)

    def __call__(self, controller: Any, environ: dict[str, Any], context: Any) -> Any:
        if hooks._hooks.get("set_request_lang"):
            # They are called for each request.
            return super().__call__(controller, environ, context)
        context.__dict__.pop("translator", None)  # the transaction is tried again
        context.find_translator = self._find
        return self.next_handler(controller, environ, context)

    def _find(self, event: Any) -> Any:
        self._choose(None, event.environ, event)
        return event.translator  # it was set


def _nothing(*request: Any) -> None:
    return None


#: What is built in the place of TurboGears' own wrappers. Wrappers that an application
#: derived from them are built as they are.
FOR_EVENTS: Final[dict[type, type]] = {
    IdentityApplicationWrapper: IdentityWrapper,
    I18NApplicationWrapper: TranslationWrapper,
}
