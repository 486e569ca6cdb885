"""Counts the tasks of a shot: a place to begin."""
import callboard

plugin = callboard.Plugin()


@plugin.action("count_tasks")
def count_tasks(launch, host):
    if len(launch.selection) != 1:
        raise callboard.Failure("invalid", "nothing to count", "select exactly one shot")
    [shot] = launch.selection
    [tasks] = host.query("select name from Task where parent_id is " + callboard.quote(shot["id"]))
    return "1 task" if len(tasks) == 1 else "{} tasks".format(len(tasks))


plugin.serve()
