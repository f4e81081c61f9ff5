"""Parts of pages."""

from tg import expose


@expose()
def total(amount):
    return f"{amount} in all"
