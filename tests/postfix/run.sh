#!/usr/bin/env bash
# Postfix for real, with openclick as a simple content filter: 200 mails through, then SIGKILL in the middle of 50
# deliveries, then a key file that is not there. Every mail must arrive as often as it was queued again, and every arrival
# must be, byte for byte, what the command makes of the mail that was sent. With OpenDKIM behind the filter, signatures hold.
#
# usage: tests/postfix/run.sh [OPENCLICK]      (root, Debian; installs postfix where nothing else is the MTA)
#
# It all happens in namespaces of its own: the machine's Postfix, its queue and its configuration are out of sight, the only
# network is a loopback, and nothing outlives the script but the packages: postfix, and opendkim and python3-dkim for the
# signatures. Where that cannot be had it says so and exits with 0.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

skip() { echo "skipped: $*"; exit 0; }

install() {
    # A package must not start its daemon here, on a machine that does not forbid it anyway.
    local policy=/usr/sbin/policy-rc.d made=
    [ -e $policy ] || { printf '#!/bin/sh\nexit 101\n' >$policy; chmod 755 $policy; made=1; }
    echo 'postfix postfix/main_mailer_type select No configuration' | debconf-set-selections
    local done=0
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null 2>&1 || done=1
    [ -z "$made" ] || rm -f $policy
    return $done
}

outside() {
    [ "$(id -u)" = 0 ] || skip "only root can start a Postfix of its own"
    command -v apt-get >/dev/null || skip "not Debian"
    command -v python3 >/dev/null || skip "no python3"
    if ! [ -x /usr/sbin/postfix ]; then
        # Debian has one MTA at a time: installing would remove the other.
        [ -e /usr/sbin/sendmail ] && skip "this machine's MTA is another one"
        install postfix || { apt-get update -qq && install postfix; } || skip "postfix cannot be installed"
    fi
    # For the signer; the rest goes without.
    command -v opendkim >/dev/null && [ -e /usr/lib/python3/dist-packages/dkim ] || install opendkim python3-dkim || true
    unshare -mnp --fork --kill-child --mount-proc ip link set lo up 2>/dev/null || skip "no namespaces here, or no iproute2"

    local openclick=${1:-}
    if [ -z "$openclick" ]; then
        (cd "$here/../.." && cargo build --release --quiet)
        openclick=${CARGO_TARGET_DIR:-$here/../../target}/release/openclick
    fi
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    chmod 755 "$work"
    # Where the filter's user can reach it.
    cp "$openclick" "$work/openclick"
    WORK=$work unshare -mnp --fork --kill-child --mount-proc "$0" --inside
}

inside() {
    ip link set lo up
    cd "$WORK"
    mkdir etc spool lib mail
    cp -a /etc/postfix/. etc/
    mount --bind etc /etc/postfix
    mount --bind spool /var/spool/postfix
    mount --bind lib /var/lib/postfix
    chown postfix lib
    chown nobody mail

    ./openclick key new >KEYS
    chown nobody KEYS
    chmod 600 KEYS
    cat >openclick.toml <<-END
	tracking-domain = "t.example.com"
	key-file = "KEYS"
	END

    cat >etc/main.cf <<-END
	compatibility_level = 3.6
	maillog_file = $WORK/log
	maillog_file_prefixes = $WORK
	myhostname = mail.example.com
	mydestination =
	inet_interfaces = 127.0.0.1
	inet_protocols = ipv4
	alias_maps =
	virtual_mailbox_domains = example.org
	virtual_mailbox_base = $WORK
	virtual_mailbox_maps = static:mail/
	virtual_uid_maps = static:$(id -u nobody)
	virtual_gid_maps = static:$(id -g nobody)
	virtual_mailbox_limit = 0
	message_size_limit = 50000000
	queue_run_delay = 2s
	minimal_backoff_time = 2s
	maximal_backoff_time = 2s
	END
    # As README has them: the filter on the way in, the signer on what the filter gives back.
    cat >etc/master.cf <<-END
	127.0.0.1:2525 inet n - n - - smtpd
	  -o content_filter=openclick:dummy
	openclick unix - n n - 4 pipe
	  flags=Rq user=nobody null_sender=
	  argv=$WORK/openclick rewrite --format message --config $WORK/openclick.toml --exec /usr/sbin/sendmail -G -i -f \${sender} -- \${recipient}
	pickup unix n - n 60 1 pickup
	cleanup unix n - n - 0 cleanup
	qmgr unix n - n 300 1 qmgr
	rewrite unix - - n - - trivial-rewrite
	bounce unix - - n - 0 bounce
	defer unix - - n - 0 bounce
	trace unix - - n - 0 bounce
	flush unix n - n 1000? 0 flush
	proxymap unix - - n - - proxymap
	showq unix n - n - - showq
	error unix - - n - - error
	retry unix - - n - - error
	virtual unix - n n - - virtual
	anvil unix - - n - 1 anvil
	postlog unix-dgram n - n - 1 postlogd
	END
    if command -v opendkim >/dev/null && [ -e /usr/lib/python3/dist-packages/dkim ]; then
        openssl genrsa -out dkim.pem 2048 2>/dev/null
        openssl rsa -in dkim.pem -pubout -outform DER -out dkim.der 2>/dev/null
        chmod 600 dkim.pem
        # /tmp above the key is everybody's.
        echo 'RequireSafeKeys no' >dkim.conf
        opendkim -f -x dkim.conf -p inet:8891@127.0.0.1 -d example.com -s test -k dkim.pem -c relaxed/simple -b s &
        printf '%s\n' 'non_smtpd_milters = inet:127.0.0.1:8891' 'milter_default_action = tempfail' >>etc/main.cf
    else
        echo "skipped: no opendkim and python3-dkim here, so nothing is signed"
    fi
    postfix start >/dev/null 2>&1 || { cat log; exit 1; }
    local done=0
    # Debian's, which has python3-dkim.
    "$(command -v /usr/bin/python3 || command -v python3)" "$here/mails.py" "$WORK" || done=$?
    [ $done = 0 ] || grep -v "status=sent\|removed$\|queue active\|message-id=\|uid=" log | tail -n 10
    postfix stop >/dev/null 2>&1 || true
    exit $done
}

if [ "${1:-}" = --inside ]; then inside; else outside "$@"; fi
