"""A pluggable: ``plug(base_config, "cart")``."""


def plugme(configurator, options):
    return {"appid": "cart"}
