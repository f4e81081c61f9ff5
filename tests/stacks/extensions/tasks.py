"""The tasks of tgext.celery."""

from jobs import render
from tg import config
from tgext.celery.celery import celery_app

celery_app.config_from_object(config["celery_configuration_object"])


@celery_app.task(name="draw")
def draw(number):
    render(number)
