# What libxenstore does for Python's xen.lowlevel.xs, checked against a small model: OPERATIONS random operations by one
# client, from SEED. Prints how many of each were made; ends with an AssertionError at the first that the model denies.
import collections
import errno
import random
import sys

from xen.lowlevel import xs

operations, seed = int(sys.argv[1]), int(sys.argv[2])
chance = random.Random(seed)
store = xs.xs()
top = '/mixed'
names = ['a', 'b', 'c', 'd']


class Model:
    """A tree as a map from path to value, with the permissions of each node."""

    def __init__(self, values, permissions):
        self.values, self.permissions = values, permissions

    def copy(self):
        return Model(dict(self.values), dict(self.permissions))

    def make(self, path):
        """Makes a node with all above it; each new one has the permissions of its parent."""
        if path in self.values:
            return
        parent = path.rsplit('/', 1)[0]
        self.make(parent)
        self.values[path] = b''
        self.permissions[path] = self.permissions[parent]

    def below(self, path):
        return [node for node in self.values if node.startswith(path + '/')]

    def children(self, path):
        return sorted(node.rsplit('/', 1)[1] for node in self.below(path) if '/' not in node[len(path) + 1:])


nobody = ((0, False, False),)
now = Model({top: b''}, {top: nobody})
watches = set()
counts = collections.Counter()


def a_path():
    return '/'.join([top] + [chance.choice(names) for _ in range(chance.randint(1, 4))])


def a_value():
    return bytes(chance.choice(b'abc\0\x01\xff \n') for _ in range(chance.choice([0, 1, 7, 100, 2000])))


def is_below(path, watched):
    return path == watched or path.startswith(watched + '/')


def events_of_change(path):
    return [(path, token) for watched, token in watches if is_below(path, watched)]


def events_of_removal(path, model):
    below = set(model.below(path))
    return events_of_change(path) + [(watched, token) for watched, token in watches if watched in below]


def expect_events(expected):
    seen = [store.read_watch() for _ in expected]
    assert sorted(seen) == sorted(expected), (seen, expected)


def failing(call, *arguments):
    try:
        return call(*arguments)
    except xs.Error as error:
        return error.args[0]


def write(transaction, model):
    path, value = a_path(), a_value()
    store.write(transaction, path, value)
    model.make(path)
    model.values[path] = value
    return events_of_change(path)


def make(transaction, model):
    path = a_path()
    store.mkdir(transaction, path)
    events = [] if path in model.values else events_of_change(path)
    model.make(path)
    return events


def remove(transaction, model):
    path = a_path()
    if path not in model.values:
        return []
    store.rm(transaction, path)
    events = events_of_removal(path, model)
    for node in model.below(path) + [path]:
        del model.values[node], model.permissions[node]
    return events


def read(transaction, model):
    path = a_path()
    seen = failing(store.read, transaction, path)
    assert seen == model.values.get(path), (path, seen, model.values.get(path))
    return []


def listing(transaction, model):
    path = a_path()
    seen = failing(store.ls, transaction, path)
    expected = model.children(path) if path in model.values else None
    assert (seen if seen is None else sorted(seen)) == expected, (path, seen, expected)
    return []


def permit(transaction, model):
    path = a_path()
    chosen = [(0, chance.random() < 0.5, chance.random() < 0.5)]
    wanted = [{'dom': dom, 'read': readable, 'write': writable} for dom, readable, writable in chosen]
    if path not in model.values:
        assert failing(store.set_permissions, transaction, path, wanted) == errno.ENOENT
        return []
    store.set_permissions(transaction, path, wanted)
    model.permissions[path] = tuple(chosen)
    return events_of_change(path)


def permissions(transaction, model):
    path = a_path()
    seen = failing(store.get_permissions, transaction, path)
    if path not in model.values:
        assert seen == errno.ENOENT, (path, seen)
    else:
        seen = tuple((entry['dom'], bool(entry['read']), bool(entry['write'])) for entry in seen)
        assert seen == model.permissions[path], (path, seen, model.permissions[path])
    return []


def watch():
    path = a_path()
    # Equal events may arrive as one, so each watch has a token of its own.
    token = '%s %d' % (path, chance.randint(1, 2))
    if (path, token) in watches:
        return []
    store.watch(path, token)
    watches.add((path, token))
    return [(path, token)]


def unwatch():
    if watches:
        path, token = chance.choice(sorted(watches))
        store.unwatch(path, token)
        watches.remove((path, token))
    else:
        assert failing(store.unwatch, a_path(), 'none') == errno.ENOENT
    return []


def transaction():
    global now
    handle, inside = store.transaction_start(), now.copy()
    # Each node is changed once at most: whether two equal events of one transaction arrive as one is not laid down.
    events = []
    for _ in range(chance.randint(1, 5)):
        events += chance.choice([read, listing, permissions])(handle, inside)
    if chance.random() < 0.7:
        events += chance.choice([write, make, permit])(handle, inside)
    commits = chance.random() < 0.7
    assert store.transaction_end(handle, 0 if commits else 1)
    if not commits:
        return []
    now = inside
    return events


plain = [write, make, remove, read, listing, permit, permissions]
store.mkdir('', top)
store.set_permissions('', top, [{'dom': 0, 'read': False, 'write': False}])
for _ in range(operations):
    action = chance.choice(plain * 3 + [watch, unwatch, transaction])
    counts[action.__name__] += 1
    expect_events(action('', now) if action in plain else action())
assert sum(counts.values()) == operations
print(' '.join('%s=%d' % pair for pair in sorted(counts.items())))
