/* This file is the byte format of the file that carries a person's keyring to another computer of
 * that person. It refuses anything too long or with bytes behind its end. */
#include "network/device_file.h"

#include <string.h>

#include "base/codec.h"

/* "EMDV" | ver 1 | 0[3] | u16 length, directory | u32 length, keyfile | u32 length, profile |
 * u32 length, channel | u32 length, descriptor (both or none) */
#define DIR_MAX 4095
#define PART_MAX ((uint32_t)32 << 10)
#define WAY_MAX ((uint32_t)64 << 10)

static const uint8_t head[8] = {'E', 'M', 'D', 'V', 1, 0, 0, 0};

static bool dir_ok(emr_bytes dir)
{
	return dir.len > 0 && dir.len <= DIR_MAX && dir.data[0] == '/' &&
	       memchr(dir.data, 0, dir.len) == NULL;
}

static bool part_ok(emr_bytes part)
{
	return part.len > 0 && part.len <= PART_MAX;
}

static bool way_ok(const emr_device_file *file)
{
	return (file->channel.len == 0) == (file->descriptor.len == 0) &&
	       file->channel.len <= WAY_MAX && file->descriptor.len <= WAY_MAX;
}

static void write_part(emr_writer *w, emr_bytes part)
{
	emr_write_u32(w, (uint32_t)part.len);
	emr_write_bytes(w, part.data, part.len);
}

emr_status emr_device_file_write(const emr_device_file *file, emr_buf *out)
{
	emr_writer w = emr_writer_of(out);

	if (!dir_ok(file->dir) || !part_ok(file->keyfile) || !part_ok(file->profile) ||
		!way_ok(file))
		return EMR_INVALID;
	emr_write_bytes(&w, head, sizeof head);
	emr_write_u16(&w, (uint16_t)file->dir.len);
	emr_write_bytes(&w, file->dir.data, file->dir.len);
	write_part(&w, file->keyfile);
	write_part(&w, file->profile);
	write_part(&w, file->channel);
	write_part(&w, file->descriptor);
	return w.status;
}

static emr_bytes read_part(emr_reader *r, uint32_t max)
{
	uint32_t len = emr_read_u32(r);

	return emr_read_bytes(r, len <= max ? len : SIZE_MAX);
}

emr_status emr_device_file_read(emr_bytes bytes, emr_device_file *out)
{
	emr_reader r = emr_reader_of(bytes);
	emr_device_file file;
	emr_bytes found = emr_read_bytes(&r, sizeof head);

	if (r.bad || memcmp(found.data, head, 4) != 0 || memcmp(found.data + 5, head + 5, 3) != 0 ||
		found.data[4] == 0)
		return EMR_DAMAGED;
	if (found.data[4] > head[4])
		return emr_newer_format(found.data[4], head[4]);
	file.dir = emr_read_bytes(&r, emr_read_u16(&r));
	file.keyfile = read_part(&r, PART_MAX);
	file.profile = read_part(&r, PART_MAX);
	file.channel = read_part(&r, WAY_MAX);
	file.descriptor = read_part(&r, WAY_MAX);
	if (!emr_reader_done(&r) || !dir_ok(file.dir) || !part_ok(file.keyfile) ||
		!part_ok(file.profile) || !way_ok(&file))
		return EMR_DAMAGED;
	*out = file;
	return EMR_OK;
}
