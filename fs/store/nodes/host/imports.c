/* This file takes a CAR from a client: it is spooled to a file on no name, read block by block into
 * the store, and its roots are pinned once all below them is there. It refuses callers without a
 * right, more than 513 MiB, and many roots of more than a million blocks together. */
#include <fcntl.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host_private.h"
#include "store/car.h"
#include "store/car_store.h"

#define CAR_MAX ((uint64_t)513 << 20)
#define VISITS_MAX ((uint64_t)1 << 20)

uint64_t host_car_max(const emr_node *node)
{
	return node->options.car_max != 0 ? node->options.car_max : CAR_MAX;
}

typedef struct importing {
	int fd;
	uint64_t bytes;
	uint64_t blocks, block_bytes;
	uint64_t visits; /* of blocks below its roots */
	bool has_many;	 /* roots */
	emr_block_store *store;
} importing;

static emr_status begin(emr_node *node, emr_serve_call *call, importing **out)
{
	importing *import = calloc(1, sizeof *import);

	if (import == NULL)
		return EMR_NO_MEMORY;
	call->memory = import;
	import->store = node->options.store;
	import->fd = openat(node->options.spool_dirfd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (import->fd < 0)
		return emr_status_from_errno(errno);
	*out = import;
	return EMR_OK;
}

emr_status host_import_take(void *arg, emr_serve_call *call, emr_bytes piece)
{
	emr_node *node = arg;
	importing *import = call->memory;
	const uint64_t most = host_car_max(node);
	emr_status status = EMR_OK;

	/* Nothing of a stranger's is kept. */
	if (import == NULL && node->options.may != NULL)
		status = node->options.may(node->options.may_arg, call, (emr_bytes){0});
	if (status == EMR_OK && import == NULL)
		status = begin(node, call, &import);
	if (status == EMR_OK && piece.len > most - import->bytes)
		status = EMR_LIMIT;
	while (status == EMR_OK && piece.len > 0) {
		ssize_t n = write(import->fd, piece.data, piece.len);

		if (n < 0 && errno != EINTR)
			status = emr_status_from_errno(errno);
		if (n <= 0)
			continue;
		piece = emr_bytes_of(piece.data + n, piece.len - (size_t)n);
		import->bytes += (uint64_t)n;
	}
	return status;
}

void host_import_drop(void *arg, emr_serve_call *call)
{
	importing *import = call->memory;

	(void)arg;
	if (import == NULL)
		return;
	if (import->fd >= 0)
		(void)close(import->fd);
	free(import);
	call->memory = NULL;
}

static emr_status keep_block(void *arg, const emr_block *block, uint64_t offset)
{
	importing *import = arg;

	(void)offset;
	import->blocks++;
	import->block_bytes += block->data.len;
	return emr_block_store_put(import->store, block, 1);
}

/* A walk reads nodes; it only names the raw blocks below them.  Roots that all lead to one tree
 * would have it walked once for each. */
static emr_status is_there(void *context, const emr_cid *cid)
{
	importing *import = context;

	if (++import->visits > VISITS_MAX && import->has_many)
		return EMR_LIMIT;
	return emr_block_store_has(import->store, cid) ? EMR_OK : EMR_MISSING_DATA;
}

static emr_status keep_root(
	importing *import, emr_serve_call *call, const emr_cid *root, const char **out_why)
{
	emr_pin pin = {.root = *root, .owner = host_owner(call), .state = EMR_PIN_KEPT};

	emr_status status = emr_store_walk(import->store, root, is_there, import, NULL);

	*out_why = "";
	if (status == EMR_LIMIT)
		return status;
	if (status != EMR_OK) {
		*out_why = "block was not found locally (offline)";
		return EMR_OK;
	}
	return emr_block_store_pin(import->store, &pin, 1);
}

static emr_status keep_roots(importing *import, emr_serve_call *call)
{
	emr_cid *roots = malloc(EMR_CAR_ROOTS_MAX * sizeof *roots);
	char text[EMR_CID_TEXT_CHARS + 1];
	const char *why;
	size_t n = 0;
	emr_status status = roots != NULL
				    ? emr_car_scan_roots(import->fd, roots, EMR_CAR_ROOTS_MAX, &n)
				    : EMR_NO_MEMORY;

	import->has_many = n > 1;
	for (size_t i = 0; status == EMR_OK && i < n; i++) {
		status = keep_root(import, call, &roots[i], &why);
		emr_cid_text(&roots[i], text);
		if (status == EMR_OK)
			host_say(call, json_pack("{s:{s:{s:s}, s:s}}", "Root", "Cid", "/", text,
					       "PinErrorMsg", why));
	}
	free(roots);
	return status;
}

/* In words by which Kubo's clients know what is wrong. */
static bool refuse(emr_serve_call *call, const importing *import, emr_status status)
{
	const uint64_t blocks = import != NULL ? import->blocks : 0;

	emr_buf_clear(&call->out);
	if (emr_status_is_full(status))
		return host_fail(call, "no space left on device");
	if (status == EMR_LIMIT)
		return host_fail(call, "import failed after %llu blocks: bigger than what is taken",
			(unsigned long long)blocks);
	if (status == EMR_DAMAGED || status == EMR_INVALID || status == EMR_NEWER_FORMAT)
		return host_fail(call,
			"import failed after %llu blocks: mismatch in content integrity, or no CAR",
			(unsigned long long)blocks);
	return host_fail(call, "%s", emr_status_text(status));
}

bool host_import(void *arg, emr_serve_call *call)
{
	emr_node *node = arg;
	importing *import = call->memory;
	const char *pins = emr_serve_query(call, "pin-roots");
	uint64_t end;
	emr_status status = call->taken;

	if (status == EMR_OK && import == NULL)
		status = EMR_INVALID; /* no file in it */
	if (status != EMR_OK)
		return refuse(call, import, status);
	(void)pthread_rwlock_rdlock(&node->imports);
	status = emr_car_scan(import->fd, keep_block, import, &end);
	if (status == EMR_OK && (pins == NULL || strcmp(pins, "false") != 0))
		status = keep_roots(import, call);
	if (status == EMR_OK)
		status = emr_block_store_sync(import->store);
	(void)pthread_rwlock_unlock(&node->imports);
	emr_serve_worked(call, import->visits * HOST_BLOCK_WORK);
	if (status != EMR_OK)
		return refuse(call, import, status);
	host_say(
		call, json_pack("{s:{s:I, s:I}}", "Stats", "BlockCount", (json_int_t)import->blocks,
			      "BlockBytesCount", (json_int_t)import->block_bytes));
	return true;
}
