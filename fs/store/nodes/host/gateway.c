/* This file is a trustless gateway: it gives one block, or a CAR of all that is below a root, which
 * is read from the store as it is sent. */
#include <stdlib.h>
#include <string.h>

#include "host_private.h"
#include "store/car.h"
#include "store/car_store.h"

#define RAW_TYPE "application/vnd.ipld.raw"
#define CAR_TYPE "application/vnd.ipld.car"
/* The block that its own name holds, which every gateway has: the empty one. */
#define EMPTY_CID "bafkqaaa"
#define BLOCKS_MAX ((size_t)1 << 18) /* of a CAR */

/* A CAR on its way: the names of its blocks, depth first and each once. */
typedef struct sending {
	emr_block_store *store;
	uint64_t left; /* bytes that it may still have */
	emr_buf cids;
	size_t next; /* of them */
} sending;

static bool refuse(emr_serve_call *call, unsigned code, const char *words)
{
	call->code = code;
	host_text(call, words);
	return true;
}

/* By "format", or else by "Accept", which may name several; the first that is known counts. */
static bool wants(const emr_serve_call *call, const char *format, const char *type)
{
	const char *said = emr_serve_query(call, "format");
	const char *accepted = emr_serve_header(call, "Accept");

	if (said != NULL)
		return strcmp(said, format) == 0;
	return accepted != NULL && strstr(accepted, type) != NULL;
}

/* ---- a CAR ---- */

static emr_status note_block(void *context, const emr_cid *cid)
{
	sending *s = context;
	uint64_t size;
	emr_status status = emr_block_store_size(s->store, cid, &size);

	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_MISSING_DATA : status;
	if (size + EMR_CAR_SECTION_HEAD_MAX > s->left || s->cids.len == BLOCKS_MAX * sizeof cid->b)
		return EMR_LIMIT;
	s->left -= size + EMR_CAR_SECTION_HEAD_MAX;
	return emr_buf_append(&s->cids, cid->b, sizeof cid->b);
}

/* Appends the section of CID. */
static emr_status put_section(emr_block_store *store, const emr_cid *cid, emr_buf *out)
{
	uint8_t head[EMR_CAR_SECTION_HEAD_MAX];
	EMR_AUTO_BUF block = {0};

	EMR_TRY(emr_block_store_get_verified(store, cid, &block));
	EMR_TRY(emr_buf_append(out, head, emr_car_section_head(head, cid, block.len)));
	return emr_buf_append(out, block.data, block.len);
}

emr_status host_gateway_more(void *arg, emr_serve_call *call)
{
	sending *s = call->memory;
	emr_cid cid;
	emr_status status;

	(void)arg;
	if (s == NULL || s->next * sizeof cid.b == s->cids.len)
		return EMR_NOT_FOUND;
	memcpy(cid.b, s->cids.data + s->next++ * sizeof cid.b, sizeof cid.b);
	status = put_section(s->store, &cid, &call->out);
	return status == EMR_NOT_FOUND ? EMR_MISSING_DATA : status; /* it went meanwhile */
}

void host_gateway_drop(void *arg, emr_serve_call *call)
{
	sending *s = call->memory;

	(void)arg;
	if (s != NULL)
		emr_buf_free(&s->cids);
	free(s);
	call->memory = NULL;
}

static bool begin_car(emr_node *node, emr_serve_call *call, const emr_cid *root)
{
	const char *scope = emr_serve_query(call, "dag-scope");
	const bool is_root_only = scope != NULL && strcmp(scope, "block") == 0;
	sending *s;
	emr_status status;

	if (scope != NULL && !is_root_only && strcmp(scope, "all") != 0)
		return refuse(call, 400, "this gateway has dag-scope=all and dag-scope=block");
	s = call->memory = calloc(1, sizeof *s);
	if (s == NULL || emr_car_write_header(&call->out, root, 1) != EMR_OK)
		return refuse(call, 500, "no memory");
	s->store = node->options.store;
	s->left = host_car_max(node);
	status = is_root_only ? note_block(s, root)
			      : emr_store_walk(s->store, root, note_block, s, NULL);
	call->memory_bytes = s->cids.cap;
	emr_serve_worked(call,
		host_car_max(node) - s->left + s->cids.len / sizeof root->b * HOST_BLOCK_WORK);
	if (status == EMR_MISSING_DATA)
		return refuse(call, 404, "ipld: could not find it");
	if (status != EMR_OK)
		return refuse(call, status == EMR_LIMIT ? 413 : 500, emr_status_text(status));
	call->type = CAR_TYPE "; version=1; order=dfs; dups=n";
	call->is_streamed = true;
	return true;
}

/* ---- requests ---- */

static bool give_block(emr_node *node, emr_serve_call *call, const emr_cid *cid)
{
	if (emr_block_store_get_verified(node->options.store, cid, &call->out) != EMR_OK)
		return refuse(call, 404, "ipld: could not find it");
	return true;
}

bool host_gateway(void *arg, emr_serve_call *call)
{
	emr_node *node = arg;
	const bool is_raw = wants(call, "raw", RAW_TYPE);
	emr_cid cid;

	if (!is_raw && !wants(call, "car", CAR_TYPE))
		return refuse(
			call, 406, "this gateway gives blocks, with ?format=raw, and ?format=car");
	call->type = RAW_TYPE;
	call->header[0] = "Content-Disposition"; /* no browser is to show it */
	call->header[1] = "attachment";
	if (is_raw && strcmp(call->path, EMPTY_CID) == 0)
		return true;
	if (emr_cid_parse_text(call->path, &cid) != EMR_OK)
		return refuse(call, 400, "no CID of SHA-256");
	return is_raw ? give_block(node, call, &cid) : begin_car(node, call, &cid);
}
