"""What every Flame handle has in common: guarded access, wrapped members, a life that ends."""


class PyAttribute:
    """The wrapper that Flame puts around an editable member.

    Text shows in single quotes, `==` compares with the raw value, and the truth value says
    nothing: an attribute that holds False is as true as any object.
    """

    def __init__(self, owner, name):
        self._owner = owner
        self._name = name

    def get_value(self):
        """Returns the raw value."""
        return self._owner._read(self._name)

    def set_value(self, value):
        """Writes the raw value."""
        self._owner._write(self._name, value)

    def __eq__(self, other):
        return self.get_value() == raw(other)

    def __ne__(self, other):
        return not self == other

    __hash__ = None

    def __str__(self):
        value = self.get_value()
        if value is None:
            return "<NULL>"
        return "'{}'".format(value) if isinstance(value, str) else str(value)

    __repr__ = __str__


def raw(value):
    """Returns what an attribute holds, or the value itself."""
    return value.get_value() if isinstance(value, PyAttribute) else value


class Wrapped:
    """A member that scripts may write; reading it gives a `PyAttribute`."""

    def __init__(self, default=""):
        self.default = default

    def __set_name__(self, owner, name):
        self.name = name

    def __get__(self, owner, kind=None):
        return self if owner is None else PyAttribute(owner, self.name)

    def __set__(self, owner, value):
        owner._write(self.name, raw(value))


class Plain:
    """A member that scripts may only read."""

    def __init__(self, default=None):
        self.default = default

    def __set_name__(self, owner, name):
        self.name = name

    def __get__(self, owner, kind=None):
        return self if owner is None else owner._read(self.name)

    def __set__(self, owner, value):
        raise AttributeError("can't set attribute `{}`".format(self.name))


class Children(Plain):
    """A read-only list of handles below this one; what a script gets is a copy."""

    def __get__(self, owner, kind=None):
        return self if owner is None else list(owner._read(self.name))


class FlameObject:
    """A handle on something in Flame.

    Names that begin with an underscore belong to the double and are free of charge and guard;
    every other access is what a script would do.
    """

    def __init__(self, world, **values):
        set_own = object.__setattr__
        set_own(self, "_world", world)
        set_own(self, "_parent", None)
        set_own(self, "_deleted", False)
        set_own(self, "_unreadable", {})
        set_own(self, "_values", {})
        for name, member in type(self)._members().items():
            is_list = isinstance(member, Children)
            self._values[name] = [] if is_list else member.default
        for name, value in values.items():
            if name not in self._values:
                raise TypeError("{} has no member `{}`".format(type(self).__name__, name))
            self._values[name] = value

    @classmethod
    def _members(cls):
        found = {}
        for base in reversed(cls.__mro__):
            for name, member in vars(base).items():
                if isinstance(member, (Wrapped, Plain)):
                    found[name] = member
        return found

    def __getattribute__(self, name):
        if not name.startswith("_"):
            _check_access(self, name)
        return object.__getattribute__(self, name)

    def __setattr__(self, name, value):
        _check_access(self, name)
        if not isinstance(getattr(type(self), name, None), (Wrapped, Plain)):
            raise AttributeError(
                "'{}' object has no attribute '{}'".format(type(self).__name__, name)
            )
        object.__setattr__(self, name, value)

    @property
    def attributes(self):
        """The names of the wrapped members."""
        return [
            name
            for name, member in type(self)._members().items()
            if isinstance(member, Wrapped) and self._world.offers(type(self), name)
        ]

    @property
    def parent(self):
        """The handle that this one lies in."""
        return self._parent

    # What the double itself uses.

    def _read(self, name):
        _check_life(self, name)
        if name in self._unreadable:
            raise RuntimeError(self._unreadable[name])
        return self._values[name]

    def _write(self, name, value):
        _check_life(self, name)
        self._values[name] = value

    def _adopt(self, list_name, child, index=None):
        """Puts `child` into one of this object's lists."""
        siblings = self._values[list_name]
        siblings.insert(len(siblings) if index is None else index, child)
        object.__setattr__(child, "_parent", self)
        return child

    def _siblings(self):
        """Returns the list of the parent that this object is in, or an empty one."""
        if self._parent is None:
            return []
        for name, member in type(self._parent)._members().items():
            listed = self._parent._values[name]
            if isinstance(member, Children) and any(item is self for item in listed):
                return listed
        return []

    def _leave(self):
        siblings = self._siblings()
        siblings[:] = [item for item in siblings if item is not self]
        object.__setattr__(self, "_parent", None)

    def _offspring(self):
        """Yields this object and everything below it."""
        yield self
        for name, member in type(self)._members().items():
            if isinstance(member, Children):
                for child in self._values[name]:
                    for item in child._offspring():
                        yield item

    def _clone(self):
        """Returns a copy of this object and everything below it, in no list yet."""
        copy = type(self)(self._world)
        for name, member in type(self)._members().items():
            value = self._values[name]
            if isinstance(member, Children):
                for child in value:
                    copy._adopt(name, child._clone())
            else:
                copy._values[name] = value
        if "uid" in copy._values:
            copy._values["uid"] = self._world.new_uid("uid")
        return copy

    def _die(self):
        for item in self._offspring():
            object.__setattr__(item, "_deleted", True)


def _check_access(handle, name):
    world = handle._world
    what = "{}.{}".format(type(handle).__name__, name)
    world.guard(what)
    world.charge_read()
    _check_life(handle, name)
    if not world.offers(type(handle), name):
        raise AttributeError(
            "'{}' object has no attribute '{}'".format(type(handle).__name__, name)
        )


def _check_life(handle, name):
    handle._world.guard("{}.{}".format(type(handle).__name__, name))
    if handle._deleted:
        raise RuntimeError("the object does not exist any more")
