# kit.sh: what the networks here share, for scripts that source it: where a network is and who may change it, the pinned Go, processes that
# are known again, free ports, organisations that serve a network of emrfs.
fail() {
	echo "$*" >&2
	exit 1
}
networks=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

needs() { # PROGRAM...
	local program missing=
	for program; do command -v "$program" >/dev/null || missing="$missing $program"; done
	[ -z "$missing" ] || fail "programs are missing: apt install$missing"
}

# ---- The directory of a network ----

# Sets dir to the one that was named, or to the one of this user.
choose_directory() { # NAME [DIR]
	local word
	for word; do [[ $word != -* ]] || fail "there is no option $word"; done
	[ $# -le 2 ] || fail "what is $3? Only a directory may come last"
	dir=${2:-}
	if [ -z "$dir" ]; then
		if [ -n "${XDG_RUNTIME_DIR:-}" ]; then dir=$XDG_RUNTIME_DIR/$1; else dir=${TMPDIR:-/tmp}/$1-$(id -u); fi
	fi
	case $dir in /*) ;; *) dir=$PWD/$dir ;; esac
}

# One program at a time makes, changes or removes the network in dir.  It has the file dir/MARK locked, as 8: what it starts and leaves
# behind gets 8>&-.  The file says, too, that the directory is ours.
lock_mark() { # whether dir has its mark still
	flock -n 8 || { echo "waiting for another program that changes the network in $dir" >&2 && flock 8; }
	[ "$mark" -ef /dev/fd/8 ]
}
hold_network() { # MARK
	mark=$dir/$1
	{ [ -f "$mark" ] && exec 8<"$mark" && lock_mark; } || fail "there is no network in $dir"
}
hold_or_begin_network() { # MARK
	local try
	mark=$dir/$1
	for try in {1..100}; do # whoever had it removed it
		if [ -e "$dir" ] && [ ! -f "$mark" ] && [ -n "$(ls -A "$dir" 2>&1)" ]; then
			fail "$dir is there already, and is no network of this program; name another directory"
		fi
		mkdir -p -m 700 "$dir" || exit
		[ -O "$dir" ] || fail "$dir is somebody else's; name another directory"
		chmod 700 "$dir"
		if { exec 8>>"$mark"; } 2>/dev/null && lock_mark; then
			trap forget_network_of_nothing EXIT
			return
		fi
	done
	fail "$mark cannot be locked"
}
forget_network_of_nothing() { # where a program was missing, say
	[ "$(ls -A "$dir")" != "${mark##*/}" ] || { rm "$mark" && rmdir "$dir"; }
}
# Its mark goes last, so that one who was killed here can be followed by another, and who waits makes another network.
remove_network() {
	rm -f "$dir/is-made"
	find "$dir" -mindepth 1 ! -samefile "$mark" -delete
	trap - EXIT
	rm "$mark"
	rmdir "$dir" 2>/dev/null || :	# who waited has a mark in it already
}

# ---- The Go that builds a module ----

# Whether GO is as new as the module in DIR wants it.
go_is_new() { # GO DIR
	local has wanted
	has=$(cd / && GOTOOLCHAIN=local "$1" env GOVERSION 2>/dev/null) || return 1
	wanted=go$(awk '$1 == "go" { print $2 }' "$2/go.mod")
	[ "$(printf '%s\n' "$wanted" "$has" | sort -V | head -1)" = "$wanted" ]
}

# Sets go to the pinned Go, as a module that is fetched once and kept for all that is built: any Go since 1.16 fetches it and compares it with
# go.sum.  A module has no programs and no go.mod below it, so both are made what they are in a release.
fetch_toolchain() { # NAME WORK DIR: what is built, a directory of ours, and the module
	local arch module found kept=${XDG_CACHE_HOME:-$HOME/.cache}/emrfs/toolchain
	arch=$(go env GOARCH)
	module=golang.org/toolchain@$(awk -v arch="linux-$arch" '$2 ~ arch "$" { print $2 }' "$networks/toolchain/go.sum")
	[ "$module" != golang.org/toolchain@ ] || fail "there is no pinned Go for linux-$arch; install Go $(awk '$1 == "go" { print $2 }' "$3/go.mod")"
	found=$kept/$module
	mkdir -p "$kept" && exec 7>"$kept/lock" && flock 7 || fail "$kept cannot be made or locked"
	if [ ! -e "$kept/${module##*/}.is-made" ]; then
		echo "fetching Go ($module)" >&2
		cp -r "$networks/toolchain" "$2/toolchain" || fail "$2 cannot be written"
		if ! (cd "$2/toolchain" && GOMODCACHE=$kept GOTOOLCHAIN=local go mod download "$module") >"$2/said" 2>&1; then
			cat "$2/said" >&2
			unless_refused "$1" "$2/said"
			fail "there is no $module"
		fi
		cmp "$networks/toolchain/go.sum" "$2/toolchain/go.sum" || fail "$module is not what toolchain/go.sum says"
		{ chmod -R u+w "$kept" && chmod +x "$found"/bin/* "$found"/pkg/tool/*/* &&
			find "$found" -name _go.mod -execdir cp _go.mod go.mod \; && rm -rf "$kept/cache" &&
			touch "$kept/${module##*/}.is-made"; } || fail "$found cannot be made what it is in a release"
	fi
	exec 7>&-
	go=$found/bin/go
}

# Ends with 3 where what Go has SAID is that the module proxy refuses a module.
unless_refused() { # NAME SAID
	! grep -qE 'reading [^ ]+: (403|404|410) ' "$2" || { echo "the module proxy refuses a module of $1" >&2 && exit 3; }
}

# Whether PROGRAM is there: the one, or as a directory each that the go.mod in DIR calls a tool.
is_built() { # PROGRAM DIR PACKAGE
	local tool
	if [ "$3" != tool ]; then
		[ -f "$1" ] && [ -x "$1" ]
		return
	fi
	for tool in $(awk '$1 == "tool" { among = $2 == "("; if (!among) print $2; next } $1 == ")" { among = 0 } among { print $1 }' "$2/go.mod"); do
		[ -x "$1/${tool##*/}" ] || return 1
	done
}

# built prints where the program of a pinned module is: in the cache of an earlier run, or built now.  PACKAGE is that of one program, or
# "tool" for a directory with all programs that go.mod calls tools.  With cgo=1 C is compiled, too.  Ends with 3 where the module proxy
# refuses a module, so that a caller can do without it.  Callers use "$(built ...)", where set -e ends nothing: each error here calls fail.
built() { # NAME DIR PACKAGE [FLAG...]: of go build
	local cache=${XDG_CACHE_HOME:-$HOME/.cache}/emrfs work go=go program began=$SECONDS
	# Named after all that makes it what it is: a home may be shared by computers of several kinds.
	program=$cache/$1-$({ cat "$2/go.mod" "$2/go.sum" "$networks/toolchain/go.sum" && echo -n "$(uname -m) cgo=${cgo:-0} ${*:4}"; } | sha256sum | head -c 16)
	if ! is_built "$program" "$2" "$3"; then
		command -v go >/dev/null || fail "$1 is built with Go: apt install golang-go"
		mkdir -p "$cache" || fail "$1 is kept in $cache, which cannot be made"
		exec 9>"$cache/$1.lock" || fail "$1 is kept in $cache, which cannot be written"
		flock 9 || fail "$cache/$1.lock cannot be locked"	# two that start at once: one builds, the other takes what it built
	fi
	if ! is_built "$program" "$2" "$3"; then
		echo "building $1, which takes some minutes once" >&2
		for work in "$cache/build.$1".*; do # of a run that was killed
			[ ! -d "$work" ] || { chmod -R u+w "$work" && rm -rf "$work"; } || fail "$work cannot be removed"
		done
		work=$(mktemp -d "$cache/build.$1.XXXXXX") || fail "$1 is built in $cache, which cannot be written"
		# shellcheck disable=SC2064
		trap "chmod -R u+w '$work'; rm -rf '$work'" EXIT
		if ! go_is_new go "$2"; then
			export GOMODCACHE=$work/modules GOCACHE=$work/objects GOPATH=$work/path
			fetch_toolchain "$1" "$work" "$2"
		fi
		[ "$3" != tool ] || mkdir "$work/program" || fail "$work cannot be written"
		# A compiler that collects its garbage less often takes a sixth less of the processor.
		if ! (cd "$2" && GOTOOLCHAIN=local GOWORK=off CGO_ENABLED=${cgo:-0} GOFLAGS='-mod=readonly -buildvcs=false' \
			GOGC=400 GOMEMLIMIT=1GiB "$go" build -trimpath -ldflags '-s -w' "${@:4}" -o "$work/program" "$3") 2>&1 | tee "$work/said" >&2; then
			unless_refused "$1" "$work/said"
			fail "$1 cannot be built"
		fi
		is_built "$work/program" "$2" "$3" || fail "$1 cannot be built: not all its programs are there"
		{ rm -rf "$program" && mv "$work/program" "$program"; } || fail "$program cannot be written"
		chmod -R u+w "$work" && rm -rf "$work"
		trap - EXIT
		echo "built in $((SECONDS - began)) s: $program" >&2
	fi
	exec 9>&-
	echo "$program"
}

# ---- Processes ----

# A process is known by its number and the moment at which it began: another one may have the number later.
began_at() { # PID
	local stat
	{ read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
	stat=${stat##*) }
	# shellcheck disable=SC2086
	set -- $stat
	[ "$1" != Z ] && echo "${20}"
}
process_in() { # FILE: the process that it names, if that runs
	local pid began
	read -r pid began 2>/dev/null <"$1" || return 1
	[ -n "$began" ] && [ "$(began_at "$pid")" = "$began" ] && echo "$pid"
}
# One that has ended already has no moment, and never runs.
remember_process() { # PID FILE
	echo "$1 $(began_at "$1")" >"$2.$BASHPID" && mv "$2.$BASHPID" "$2"
}
# Starts a COMMAND that FILE knows before it begins: whoever starts it may be killed in any moment.
start_process() { # FILE LOG COMMAND...
	local file=$1 log=$2
	shift 2
	{
		remember_process "$BASHPID" "$file"
		exec setsid "$@"
	} >>"$log" 2>&1 3>&- 8>&- 9>&- </dev/null &
	remember_process $! "$file"
}
# Everything that they keep is removed, so they are not given the time to put it in order.
end_processes() { # FILE...: of those that run
	local file pid pids=
	for file; do
		if pid=$(process_in "$file"); then
			kill -KILL "$pid" 2>/dev/null || continue # it ended meanwhile
			pids="$pids $pid"
		fi
	done
	for pid in $pids; do tail -s 0.05 --pid="$pid" -f /dev/null; done
}

# Those of one network lie side by side: of two that are made at once, before either listens, each would take some of the other's.
free_port() { # [PORT...]: a port that nobody has, behind the last of these; below those that outgoing connections and tests get
	local port=$((10000 + RANDOM % 300 * 32))
	[ $# -eq 0 ] || port=${!#}
	while port=$((port + 1)) && (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
	echo $port
}

# ---- Organisations of emrfs, for examples with the word `kind` and the function `person` ----

# In a directory the founder is alone, and the others come over his host. On a channel each is where its emrfs-fabric is.
way_of() { # ORGANISATION NUMBER: sets way
	if [ $kind = fabric ]; then
		way=(--network "$dir/net-$1" --channel "$dir/channel/backend/$2/run")
	elif [ "$1" = lucas ]; then
		way=(--network "$dir/net-lucas")
	else
		way=(--network "$(sed 's/.*"address":"\([^"]*\)".*/\1/' lucas.host)")
	fi
}
serve() { # ORGANISATION: to its people
	person "$1" host "$dir/net-$1" "127.0.0.1:$(free_port)" --json >"$1.host"
}
host_pids() { sed 's/.*"pid":\([0-9]*\).*/\1/' ./*.host; }
