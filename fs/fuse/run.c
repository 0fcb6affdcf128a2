/* This file mounts the folder, serves the kernel's requests with as many threads as are needed,
 * and ends in order when it is told to. It refuses mount options other than allow_root and
 * allow_other. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "view/received.h"

#include "base/worker.h"

#include "park.h"
#include "reply.h"
#include "session.h"
#include "told.h"

#define THREADS_MAX                                                                                \
	32 /* made on demand: more than the requests that a slow disk usually holds up at once */
#define WAKE_SIGNAL (SIGRTMIN + 4) /* ends the wait of the thread inside emr_fuse_run */

static session the;
static pthread_mutex_t running_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_t runner;
static bool is_running; /* under running_lock: the.fuse and runner may be used by others */
static int is_stopped;	/* atomic */

static int64_t last_request_boot_ns(void)
{
	return __atomic_load_n(&the.last_request_boot_ns, __ATOMIC_RELAXED);
}

uint64_t emr_fuse_open_count(void)
{
	return __atomic_load_n(&the.open_count, __ATOMIC_RELAXED);
}

void emr_fuse_changed(void *arg, uint64_t node, const char *name)
{
	(void)arg;
	notifier_add(node, name);
}

static void await_changes(void)
{
	notifier_await(INT64_C(2000000000));
}

/* ---- INIT ---- */

static void want(struct fuse_conn_info *conn, unsigned flags)
{
	conn->want |= flags & conn->capable;
}

static void op_init(void *userdata, struct fuse_conn_info *conn)
{
	session *s = userdata;

	conn->want &=
		~(unsigned)(FUSE_CAP_AUTO_INVAL_DATA | FUSE_CAP_ASYNC_DIO | FUSE_CAP_SPLICE_READ |
			    FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE | FUSE_CAP_POSIX_ACL |
			    FUSE_CAP_CACHE_SYMLINKS | FUSE_CAP_HANDLE_KILLPRIV |
			    FUSE_CAP_WRITEBACK_CACHE);
	want(conn, FUSE_CAP_ASYNC_READ | FUSE_CAP_ATOMIC_O_TRUNC | FUSE_CAP_PARALLEL_DIROPS |
			   FUSE_CAP_READDIRPLUS | FUSE_CAP_READDIRPLUS_AUTO |
			   FUSE_CAP_EXPLICIT_INVAL_DATA | FUSE_CAP_EXPORT_SUPPORT);
	if (s->options.writeback)
		want(conn, FUSE_CAP_WRITEBACK_CACHE);
	conn->max_background = 256;
	conn->congestion_threshold = 192;
	conn->time_gran = 1;
	if (s->options.on_ready != NULL)
		s->options.on_ready(s->options.on_ready_arg);
}

/* ---- the session's life ---- */

static void ignore(int number)
{
	(void)number;
}

/* Without SA_RESTART, so that the wait inside libfuse's loop ends. */
static void take_wake_signal(void)
{
	struct sigaction action = {.sa_handler = ignore};

	sigemptyset(&action.sa_mask);
	sigaction(WAKE_SIGNAL, &action, NULL);
}

void emr_fuse_stop(void)
{
	__atomic_store_n(&is_stopped, 1, __ATOMIC_SEQ_CST);
	pthread_mutex_lock(&running_lock);
	if (is_running) {
		fuse_session_exit(the.fuse);
		pthread_kill(runner, WAKE_SIGNAL);
	}
	pthread_mutex_unlock(&running_lock);
}

const emr_front emr_fuse_front = {
	.await_changes = await_changes,
	.last_request_boot_ns = last_request_boot_ns,
	.request = requests_count,
	.request_kinds = REQUEST_KINDS,
	.stop = emr_fuse_stop,
};

/* Once it is off, the session may be destroyed: nobody is stopping it any more. */
static void set_running(bool is)
{
	EMR_LOCKED(&running_lock);

	is_running = is;
}

static emr_status make_session(const emr_fuse_options *options)
{
	static const struct fuse_custom_io io = {
		.read = init_hook_read, .writev = init_hook_writev};
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	struct fuse_lowlevel_ops ops = {.init = op_init};
	char text[256];
	int failed;

	ops_name_add(&ops);
	ops_file_add(&ops);
	ops_attr_add(&ops);
	snprintf(text, sizeof text, "default_permissions,fsname=emrfs,subtype=emrfs%s%s%s",
		options->read_only ? ",ro" : "", options->mount_options != NULL ? "," : "",
		options->mount_options != NULL ? options->mount_options : "");
	if (fuse_opt_add_arg(&args, "emrfs") != 0 || fuse_opt_add_arg(&args, "-o") != 0 ||
		fuse_opt_add_arg(&args, text) != 0) {
		fuse_opt_free_args(&args);
		return EMR_NO_MEMORY;
	}
	the.fuse = fuse_session_new(&args, &ops, sizeof ops, &the);
	fuse_opt_free_args(&args);
	if (the.fuse == NULL)
		return EMR_INVALID;
	errno = 0;
	failed = fuse_session_mount(the.fuse, options->mountpoint);
	if (failed == 0) {
		init_hook_reset();
		failed = fuse_session_custom_io(the.fuse, &io, fuse_session_fd(the.fuse));
		if (failed == 0)
			return EMR_OK;
		fuse_session_unmount(the.fuse);
	}
	fuse_session_destroy(the.fuse);
	return errno == EACCES || errno == EPERM ? EMR_DENIED : emr_status_from_errno(errno);
}

static emr_status check_options(const emr_fuse_options *options)
{
	if (options->mount_options != NULL && strcmp(options->mount_options, "allow_root") != 0 &&
		strcmp(options->mount_options, "allow_other") != 0)
		return EMR_INVALID;
	return access("/dev/fuse", F_OK) == 0 ? EMR_OK : EMR_NOT_FOUND;
}

static emr_status loop(void)
{
	struct fuse_loop_config *config = fuse_loop_cfg_create();
	int result;

	EMR_TRY_MEMORY(config);
	fuse_loop_cfg_set_max_threads(config, THREADS_MAX);
	fuse_loop_cfg_set_clone_fd(config, 0);
	result = fuse_session_loop_mt(the.fuse, config);
	fuse_loop_cfg_destroy(config);
	/* A signal number or an exit on request is a normal end. */
	return result < 0 && !__atomic_load_n(&is_stopped, __ATOMIC_SEQ_CST)
		       ? emr_status_from_errno(-result)
		       : EMR_OK;
}

/* The two numbers are asked for by other threads at any time. */
static void start_anew(const emr_fuse_options *options)
{
	const emr_id16 random = emr_id16_random();

	the.options = *options;
	the.fuse = NULL;
	the.uid = getuid();
	the.gid = getgid();
	memcpy(&the.generation, random.b, sizeof the.generation);
	__atomic_store_n(&the.last_request_boot_ns, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&the.open_count, 0, __ATOMIC_RELAXED);
}

emr_status emr_fuse_run(const emr_fuse_options *options)
{
	emr_status status;

	EMR_TRY(check_options(options));
	start_anew(options);
	runner = pthread_self();
	take_wake_signal();
	EMR_TRY(make_session(options));
	status = notifier_start(&the);
	if (status == EMR_OK)
		status = wait_start();
	set_running(true);
	if (status == EMR_OK && !__atomic_load_n(&is_stopped, __ATOMIC_SEQ_CST))
		status = loop();
	set_running(false);
	emr_view_end_waits(
		options->view); /* whoever still waits is answered while there is a session */
	wait_stop();
	notifier_stop();
	told_clear();
	fuse_session_unmount(the.fuse);
	fuse_session_destroy(the.fuse);
	__atomic_store_n(&is_stopped, 0, __ATOMIC_SEQ_CST);
	return status;
}
