"""A runner of jobs, whose methods are opened one by one."""

import logging

import gevent
from gevent.event import Event
from socketio import socketio_manage
from socketio.namespace import BaseNamespace

log = logging.getLogger(__name__)

ROLES = {"guest": [], "operator": ["on_run", "on_cancel"], "admin": None}


class JobsNamespace(BaseNamespace):
    def get_initial_acl(self):
        return set(["recv_connect", "recv_disconnect", "on_login"])

    def recv_connect(self):
        self.running = {}
        self.emit("please_log_in", sorted(self.allowed_methods))

    def on_login(self, role):
        methods = ROLES[role]
        if methods is None:
            self.lift_acl_restrictions()
        else:
            for each in methods:
                self.add_acl_method(each)
        return role, self.is_method_allowed("on_run")

    def on_logout(self):
        self.reset_acl()
        return sorted(self.allowed_methods)

    def on_run(self, name):
        self.running[name] = Event()
        job = self.spawn(self.work, name)
        job.name = name
        return name

    def work(self, name):
        self.emit("started", name)
        try:
            self.running[name].wait()
            self.emit("finished", name)
        except gevent.GreenletExit:
            log.info("%s was killed", name)
            raise

    def on_finish(self, name):
        job = [each for each in self.jobs if each.name == name][0]
        self.running[name].set()
        job.join()
        self.jobs.remove(job)
        return len(self.jobs)

    def on_cancel(self, name):
        for each in self.jobs:
            if each.name == name:
                each.kill()
        self.emit("cancelled", name)

    def on_forbid(self, method):
        try:
            self.del_acl_method(method)
        except ValueError as error:
            return type(error).__name__
        return "forbidden"

    def on_restart(self):
        self.kill_local_jobs()
        return self.jobs


namespaces = {"/jobs": JobsNamespace}


def application(environ, start_response):
    if environ["PATH_INFO"].startswith("/socket.io"):
        return socketio_manage(environ, namespaces)
    start_response("404 Not Found", [])
    return []
