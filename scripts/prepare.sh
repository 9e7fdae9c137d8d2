# Sourced by scripts/run and scripts/test: what a Debian machine needs before any Python of ours can run.
# shellcheck shell=bash disable=SC2034

service_user=mezzotint
service_home=/var/lib/mezzotint
run_packages=(nginx libnginx-mod-http-lua lua-cjson postgresql redis-server libjemalloc2 python3-venv ca-certificates)

umask 022 # what is installed, the service user must be able to read

fail() { echo "$(basename "$0"): $*" >&2; exit 1; }

is_root() { [ "$(id -u)" = 0 ]; }

install_packages() { # NAME…
    command -v apt-get >/dev/null || fail "needs Debian 12; on another system install by hand: $*"
    local name missing=()
    for name in "$@"; do
        [ "$(dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || missing+=("$name")
    done
    [ ${#missing[@]} = 0 ] && return
    echo "Installing Debian packages: ${missing[*]}"
    if is_root; then
        install_as_root bash "${missing[@]}"
    elif sudo -n true 2>/dev/null; then
        install_as_root "sudo -n bash" "${missing[@]}"
    else
        fail "needs Debian packages; as root: apt-get install --no-install-recommends ${missing[*]}"
    fi
}

# No package may start a service or make a database cluster: we start our own.
install_as_root() { # SHELL NAME…
    local shell=$1; shift
    $shell -s -- "$@" <<'ROOT' | sed -un 's/^Setting up \([^ ]*\).*/  \1/p' || fail "apt-get could not install: $*"
        set -euo pipefail
        if [ ! -e /etc/postgresql-common/createcluster.conf ]; then
            mkdir -p /etc/postgresql-common
            echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.conf
        fi
        if [ ! -e /usr/sbin/policy-rc.d ]; then
            trap 'rm -f /usr/sbin/policy-rc.d' EXIT
            printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d
            chmod 755 /usr/sbin/policy-rc.d
        fi
        apt() {
            DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 \
                -o Dpkg::Options::=--force-confold "$@" </dev/null
        }
        apt update >/dev/null
        apt install --no-install-recommends "$@"
ROOT
}

# Root's own home is closed to the user that everything runs as: then the code moves to where that user can read it.
# Sets `tree` to the folder to run from.
settle_tree() { # COPY
    is_root || return 0
    id "$service_user" >/dev/null 2>&1 ||
        useradd --system --home-dir "$service_home" --shell /usr/sbin/nologin "$service_user"
    if setpriv --reuid="$service_user" --regid="$service_user" --clear-groups test -r "$tree/pyproject.toml" 2>/dev/null; then
        return
    fi
    echo "The user $service_user can't read $tree: running from a copy, $service_home/$1"
    local copy=$service_home/$1
    mkdir -p "$copy"
    find "$copy" -mindepth 1 -maxdepth 1 ! -name .venv -exec rm -rf {} +
    tar -c --mode=a+rX --exclude=./{var,.git,.venv,'.*_cache'} --exclude=__pycache__ -C "$tree" . |
        tar -x --no-same-owner -C "$copy"
    tree=$copy
}

# A virtual environment in the tree that holds what the lock names, made anew when that changes. One that has the
# development tools besides will do for running.
install_python() { # REQUIREMENTS
    local venv=$tree/.venv lock wanted=$1
    [ -e "$venv/requirements-dev.txt" ] && wanted=requirements-dev.txt
    lock=$(cd "$tree" && cat requirements-build.txt "$wanted" <(sed '/^\[tool/,$d' pyproject.toml) | sha256sum)
    [ "$(cat "$venv/$wanted" 2>/dev/null)" = "$lock" ] && return
    echo "Installing Python packages into $venv"
    /usr/bin/python3 -m venv --clear "$venv" || fail "can't write $venv: run as the owner of $tree, or as root"
    # pyvips builds against a system's libvips when it finds one, and pip keeps such builds: neither may happen here.
    local pip=(env PKG_CONFIG_LIBDIR=/nonexistent "$venv/bin/pip" install --disable-pip-version-check --no-cache-dir)
    {
        "${pip[@]}" --require-hashes -r "$tree/requirements-build.txt" &&
            "${pip[@]}" --require-hashes --no-build-isolation -r "$tree/$wanted" &&
            "${pip[@]}" --no-deps --no-build-isolation -e "$tree"
    } | sed -un 's/^Collecting \([^ ]*\).*/  \1/p' || fail "pip could not install the Python packages"
    echo "$lock" >"$venv/$wanted"
}
