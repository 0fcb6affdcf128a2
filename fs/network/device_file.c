/* This file is the byte format of the file that carries a person's keyring to another computer
 * of hers. It refuses anything too long or with bytes behind its end. */
#include "network/device_file.h"

#include <string.h>

#include "base/codec.h"

/* "EMDV" | ver 1 | 0[3] | u16 length, directory | u32 length, keyfile | u32 length, profile */
#define DIR_MAX 4095
#define PART_MAX ((uint32_t)32 << 10)

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

emr_status emr_device_file_write(const emr_device_file *file, emr_buf *out)
{
	emr_writer w = emr_writer_of(out);

	if (!dir_ok(file->dir) || !part_ok(file->keyfile) || !part_ok(file->profile))
		return EMR_INVALID;
	emr_write_bytes(&w, head, sizeof head);
	emr_write_u16(&w, (uint16_t)file->dir.len);
	emr_write_bytes(&w, file->dir.data, file->dir.len);
	emr_write_u32(&w, (uint32_t)file->keyfile.len);
	emr_write_bytes(&w, file->keyfile.data, file->keyfile.len);
	emr_write_u32(&w, (uint32_t)file->profile.len);
	emr_write_bytes(&w, file->profile.data, file->profile.len);
	return w.status;
}

static emr_bytes read_part(emr_reader *r)
{
	uint32_t len = emr_read_u32(r);

	return emr_read_bytes(r, len <= PART_MAX ? len : SIZE_MAX);
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
	file.keyfile = read_part(&r);
	file.profile = read_part(&r);
	if (!emr_reader_done(&r) || !dir_ok(file.dir) || !part_ok(file.keyfile) ||
		!part_ok(file.profile))
		return EMR_DAMAGED;
	*out = file;
	return EMR_OK;
}
