/* These tests show what a program is told of a name that is asked for at the moment when
 * somebody begins to share: never that the folder is busy. */

#include "emr_test.h"
#include "reply.h"
#include "view/received.h"

/* The folder answers EMR_BUSY so often, and the next question whether to wait says so. */
static int busy;
static bool waits;
/* The caller that waits for it. */
static emr_ready_fn ready;
static void *ready_arg;
/* The entries that the kernel got. */
static int entries, listings, last_error;
static size_t listed_bytes;

WRAPPED(session *, session_of, fuse_req_t req)
{
	static session s;

	(void)req;
	return &s;
}

WRAPPED(emr_status, emr_view_lookup, emr_view *view, uint64_t parent, const char *name,
	emr_attr *out_attr)
{
	(void)view;
	(void)parent;
	(void)name;
	*out_attr = (emr_attr){.node = 7, .type = EMR_META_FILE};
	return busy-- > 0 ? EMR_BUSY : EMR_OK;
}

/* "." is given before it is known whether the rest can be. */
WRAPPED(emr_status, emr_view_each_entry, emr_view *view, uint64_t number, uint64_t cookie,
	bool take, emr_entry_fn fn, void *arg)
{
	const emr_attr attr = {.node = 7, .type = EMR_META_DIR};

	(void)view;
	(void)number;
	(void)cookie;
	(void)take;
	assert_true(fn(arg, ".", &attr, 1));
	return busy-- > 0 ? EMR_BUSY : EMR_OK;
}

WRAPPED(emr_status, emr_view_await, emr_view *view, uint64_t number, emr_need need,
	const char *name, emr_ready_fn fn, void *arg)
{
	(void)view;
	(void)number;
	(void)name;
	assert_int_equal(need, EMR_NEED_NAMES);
	if (fn != NULL) {
		ready = fn;
		ready_arg = arg;
	}
	return waits ? EMR_BUSY : EMR_OK;
}

WRAPPED(void, fuse_req_interrupt_func, fuse_req_t req, fuse_interrupt_func_t func, void *data)
{
	(void)req;
	(void)func;
	(void)data;
}

WRAPPED(int, fuse_reply_entry, fuse_req_t req, const struct fuse_entry_param *entry)
{
	(void)req;
	entries += entry->ino == 7;
	return 0;
}

WRAPPED(int, fuse_reply_buf, fuse_req_t req, const char *data, size_t size)
{
	(void)req;
	(void)data;
	listings++;
	listed_bytes = size;
	return 0;
}

WRAPPED(int, fuse_reply_err, fuse_req_t req, int error)
{
	(void)req;
	last_error = error;
	return 0;
}

static struct fuse_lowlevel_ops ops;

AROUND(begin)
{
	ops_name_add(&ops);
	busy = entries = listings = last_error = 0;
	waits = false;
	ready = NULL;
}

/* It has come by the time it is asked for again: nobody waits. */
TEST_IN(begin, NULL, a_file_that_comes_while_it_is_looked_up_is_found)
{
	busy = 1;
	ops.lookup(NULL, EMR_ROOT_NODE, "MRI.pdf");
	assert_int_equal(entries, 1);
	assert_int_equal(last_error, 0);
}

TEST_IN(begin, NULL, a_file_that_begins_to_be_shared_while_it_is_looked_up_is_waited_for)
{
	busy = 1;
	ops.lookup(NULL, EMR_ROOT_NODE, "MRI.pdf"); /* nothing to wait for when it is asked */
	entries = 0;
	busy = 2;
	waits = true;
	ops.lookup(NULL, EMR_ROOT_NODE, "MRI.pdf");
	assert_non_null(ready);
	assert_int_equal(entries, 0);
	busy = 0;
	ready(ready_arg, EMR_OK);
	assert_int_equal(entries, 1);
	assert_int_equal(last_error, 0);
}

TEST_IN(begin, NULL, a_share_that_comes_while_its_folder_is_listed_is_listed_once)
{
	size_t alone;

	ops.readdir(NULL, EMR_ROOT_NODE, 4096, 0, NULL);
	alone = listed_bytes;
	busy = 1;
	ops.readdir(NULL, EMR_ROOT_NODE, 4096, 0, NULL);
	assert_int_equal(listings, 2);
	assert_int_equal(listed_bytes, alone);
	assert_int_equal(last_error, 0);
}

TESTS(NULL, NULL)
