# Sourced by scripts/run and scripts/test: what a Debian machine needs before any Python of ours can run.
# shellcheck shell=bash disable=SC2034

service_user=mezzotint
service_home=/var/lib/mezzotint
run_packages=(nginx libnginx-mod-http-lua lua-cjson postgresql redis-server libjemalloc2 python3-venv ca-certificates
    libseccomp2 libmagickwand-6.q16-6 fontconfig fonts-dejavu-core)

umask 022 # what is installed, the service user must be able to read

fail() { echo "$(basename "$0"): $*" >&2; exit 1; }

is_root() { [ "$(id -u)" = 0 ]; }

install_packages() { # NAME…
    command -v apt-get >/dev/null || fail "needs Debian 12; on another system install by hand: $*"
    local name installed missing=()
    installed=$(dpkg-query -W -f='${Package} ${db:Status-Status}\n' "$@" 2>/dev/null || true)
    for name in "$@"; do
        grep -qx "$name installed" <<<"$installed" || missing+=("$name")
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
    find "$copy" -mindepth 1 -maxdepth 1 ! -name '.venv*' -exec rm -rf {} +
    tar -c --mode=a+rX --exclude=./{var,.git,'.venv*','.*_cache'} --exclude=__pycache__ -C "$tree" . |
        tar -x --no-same-owner -C "$copy"
    tree=$copy
}

# Makes `.venv` lead to a virtual environment with what the lock names. It is made beside an older one, which may be
# running; the one before that goes. One with the development tools in it will do for running too.
install_python() { # REQUIREMENTS
    local wanted before venv
    for wanted in requirements-dev.txt "$1"; do
        venv=.venv-$(python_lock "$wanted")
        [ -e "$tree/$venv/complete" ] && break
    done
    before=$(readlink "$tree/.venv" || true)
    if [ ! -e "$tree/$venv/complete" ]; then
        echo "Installing Python packages into $tree/$venv"
        make_python "$tree/$venv" "$wanted"
    fi
    [ "$before" = "$venv" ] && return
    [ -L "$tree/.venv" ] || rm -rf "$tree/.venv"
    ln -sfn "$venv" "$tree/.venv.new"
    mv -T "$tree/.venv.new" "$tree/.venv"
    find "$tree" -mindepth 1 -maxdepth 1 -type d -name '.venv-*' ! -name "$venv" ! -name "$before" -exec rm -rf {} +
}

python_lock() { # REQUIREMENTS
    (cd "$tree" && cat requirements-build.txt "$1" <(sed '/^\[tool/,$d' pyproject.toml) | sha256sum | cut -c1-12)
}

make_python() { # FOLDER REQUIREMENTS
    /usr/bin/python3 -m venv --clear "$1" || fail "can't write $1: run as the owner of $tree, or as root"
    # pyvips builds against a system's libvips when it finds one, and pip keeps such builds: neither may happen here.
    local pip=(env PKG_CONFIG_LIBDIR=/nonexistent "$1/bin/pip" install --disable-pip-version-check --no-cache-dir)
    {
        "${pip[@]}" --require-hashes -r "$tree/requirements-build.txt" &&
            "${pip[@]}" --require-hashes --no-build-isolation -r "$tree/$2" &&
            "${pip[@]}" --no-deps --no-build-isolation -e "$tree"
    } | sed -un 's/^Collecting \([^ ]*\).*/  \1/p' || fail "pip could not install the Python packages"
    touch "$1/complete"
}
