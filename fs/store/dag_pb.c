/* This file reads and writes DAG-PB nodes, the blocks by which IPFS builds trees. It refuses
 * everything but the one canonical order of fields. */
#include "store/dag_pb.h"

#include "store/varint.h"

enum {
	TAG_NODE_DATA = 0x0a,
	TAG_NODE_LINK = 0x12,
	TAG_LINK_HASH = 0x0a,
	TAG_LINK_NAME = 0x12,
	TAG_LINK_TSIZE = 0x18,
};

/* Takes `tag len bytes` from the front of REST. */
static bool take_field(emr_bytes *rest, uint8_t tag, emr_bytes *out_field)
{
	uint64_t len;
	size_t n;

	if (rest->len < 2 || rest->data[0] != tag)
		return false;
	n = emr_varint_get(rest->data + 1, rest->len - 1, &len);
	if (n == 0 || len > rest->len - 1 - n)
		return false;
	*out_field = emr_bytes_of(rest->data + 1 + n, (size_t)len);
	rest->data += 1 + n + len;
	rest->len -= 1 + n + (size_t)len;
	return true;
}

static bool parse_link(emr_bytes body, emr_dag_pb_link *out_link)
{
	emr_bytes hash;
	size_t n;

	if (!take_field(&body, TAG_LINK_HASH, &hash))
		return false;
	if (emr_cid_parse(hash, &out_link->cid) != EMR_OK)
		return false;
	if (!take_field(&body, TAG_LINK_NAME, &out_link->name))
		return false;
	if (body.len < 2 || body.data[0] != TAG_LINK_TSIZE)
		return false;
	n = emr_varint_get(body.data + 1, body.len - 1, &out_link->tsize);
	return n != 0 && n == body.len - 1;
}

emr_dag_pb_cursor emr_dag_pb_begin(emr_bytes block)
{
	return (emr_dag_pb_cursor){.rest = block};
}

emr_status emr_dag_pb_next(
	emr_dag_pb_cursor *cursor, bool *out_more, emr_dag_pb_link *out_link, emr_bytes *out_data)
{
	emr_bytes field;

	if (cursor->rest.len > 0 && cursor->rest.data[0] == TAG_NODE_LINK) {
		if (cursor->links == EMR_DAG_PB_LINKS_MAX)
			return EMR_DAMAGED;
		if (!take_field(&cursor->rest, TAG_NODE_LINK, &field) ||
			!parse_link(field, out_link))
			return EMR_DAMAGED;
		cursor->links++;
		*out_more = true;
		return EMR_OK;
	}
	field = emr_bytes_of(NULL, 0);
	if (cursor->rest.len > 0 && !take_field(&cursor->rest, TAG_NODE_DATA, &field))
		return EMR_DAMAGED;
	if (cursor->rest.len > 0)
		return EMR_DAMAGED;
	*out_more = false;
	*out_data = field;
	return EMR_OK;
}

static size_t put_field_head(uint8_t *out, uint8_t tag, uint64_t len)
{
	out[0] = tag;
	return 1 + emr_varint_put(out + 1, len);
}

emr_status emr_dag_pb_write_link(emr_buf *out, const emr_cid *cid, emr_bytes name, uint64_t tsize)
{
	uint8_t head[64];
	uint8_t tail[1 + EMR_VARINT_MAX] = {TAG_LINK_TSIZE};
	size_t tail_len = 1 + emr_varint_put(tail + 1, tsize);
	size_t body = 2 + EMR_CID_BYTES + 1 + emr_varint_len(name.len) + name.len + tail_len;
	size_t n = put_field_head(head, TAG_NODE_LINK, body);

	EMR_TRY(emr_buf_reserve(out, n + body));
	n += put_field_head(head + n, TAG_LINK_HASH, EMR_CID_BYTES);
	memcpy(head + n, cid->b, EMR_CID_BYTES);
	n += EMR_CID_BYTES;
	n += put_field_head(head + n, TAG_LINK_NAME, name.len);
	EMR_TRY(emr_buf_append(out, head, n));
	if (name.len > 0)
		EMR_TRY(emr_buf_append(out, name.data, name.len));
	return emr_buf_append(out, tail, tail_len);
}

emr_status emr_dag_pb_write_data(emr_buf *out, emr_bytes data)
{
	uint8_t head[1 + EMR_VARINT_MAX];
	size_t n = put_field_head(head, TAG_NODE_DATA, data.len);

	EMR_TRY(emr_buf_append(out, head, n));
	return emr_buf_append(out, data.data, data.len);
}
