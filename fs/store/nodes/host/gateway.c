/* This file is a trustless gateway: it gives one block, or a CAR of all that is below a root, which
 * is read from the store as it is sent. */
#include <stdlib.h>
#include <string.h>

#include "host_private.h"
#include "store/car.h"
#include "store/dag_pb.h"

#define RAW_TYPE "application/vnd.ipld.raw"
#define CAR_TYPE "application/vnd.ipld.car"
/* The block that its own name holds, which every gateway has: the empty one. */
#define EMPTY_CID "bafkqaaa"

/* A node whose links are being followed. */
typedef struct step {
	emr_buf node;
	emr_dag_pb_cursor cursor;
} step;

/* A CAR on its way: depth first, and each block as often as something links to it, so that nothing
 * is kept of those that went. */
typedef struct sending {
	emr_cid root;
	uint64_t left; /* bytes that it may still have */
	bool has_begun, is_root_only;
	size_t depth;
	step steps[HOST_DEPTH_MAX];
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

/* Appends the section of CID, and goes into it where it is a node. */
static emr_status put_section(emr_node *node, sending *s, const emr_cid *cid, emr_buf *out)
{
	uint8_t head[EMR_CAR_SECTION_HEAD_MAX];
	const size_t at = out->len;
	uint64_t size;
	size_t head_len;
	step *below;
	emr_status status = emr_block_store_size(node->options.store, cid, &size);

	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_MISSING_DATA : status;
	head_len = emr_car_section_head(head, cid, (size_t)size);
	EMR_TRY(emr_buf_append(out, head, head_len));
	status = emr_block_store_get_verified(node->options.store, cid, out);
	if (status != EMR_OK)
		return status == EMR_NOT_FOUND ? EMR_MISSING_DATA : status;
	if (out->len - at != head_len + size) /* its head says otherwise */
		return EMR_DAMAGED;
	if (s->left < out->len - at)
		return EMR_LIMIT;
	s->left -= out->len - at;
	if (emr_cid_codec(cid) == EMR_CODEC_RAW || s->is_root_only)
		return EMR_OK;
	if (s->depth == HOST_DEPTH_MAX)
		return EMR_LIMIT;
	below = &s->steps[s->depth++];
	emr_buf_clear(&below->node);
	EMR_TRY(emr_buf_append(&below->node, out->data + out->len - size, (size_t)size));
	below->cursor = emr_dag_pb_begin(emr_buf_view(&below->node));
	return EMR_OK;
}

emr_status host_gateway_more(void *arg, emr_serve_call *call)
{
	sending *s = call->memory;
	emr_dag_pb_link link;
	emr_bytes data;
	bool has_more = false;

	if (s == NULL)
		return EMR_NOT_FOUND;
	if (!s->has_begun) {
		s->has_begun = true;
		return put_section(arg, s, &s->root, &call->out);
	}
	while (s->depth > 0) {
		EMR_TRY(emr_dag_pb_next(&s->steps[s->depth - 1].cursor, &has_more, &link, &data));
		if (has_more)
			return put_section(arg, s, &link.cid, &call->out);
		s->depth--;
	}
	return EMR_NOT_FOUND;
}

void host_gateway_drop(void *arg, emr_serve_call *call)
{
	sending *s = call->memory;

	(void)arg;
	for (size_t i = 0; s != NULL && i < HOST_DEPTH_MAX; i++)
		emr_buf_free(&s->steps[i].node);
	free(s);
	call->memory = NULL;
}

/* A block that is not there is found out on the way, and then the answer breaks off. */
static bool begin_car(emr_node *node, emr_serve_call *call, const emr_cid *root)
{
	const char *scope = emr_serve_query(call, "dag-scope");
	const bool is_root_only = scope != NULL && strcmp(scope, "block") == 0;
	sending *s;

	if (scope != NULL && !is_root_only && strcmp(scope, "all") != 0)
		return refuse(call, 400, "this gateway has dag-scope=all and dag-scope=block");
	if (!emr_block_store_has(node->options.store, root))
		return refuse(call, 404, "ipld: could not find it");
	s = call->memory = calloc(1, sizeof *s);
	if (s == NULL || emr_car_write_header(&call->out, root, 1) != EMR_OK)
		return refuse(call, 500, "no memory");
	s->root = *root;
	s->left = host_car_max(node);
	s->is_root_only = is_root_only;
	call->type = CAR_TYPE "; version=1; order=dfs; dups=y";
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

	if (!host_may(node, call))
		return true;
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
