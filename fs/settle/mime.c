/* This file tells the media type of a file by the ending of its name, for the signed statement. It
 * looks at no byte of the file. */
#include "build.h"

#include <string.h>
#include <strings.h>

/* Media types as registered with IANA. */
static const struct {
	const char *ending;
	const char *type;
} types[] = {
	{".pdf", "application/pdf"},
	{".dcm", "application/dicom"},
	{".json", "application/json"},
	{".xml", "application/xml"},
	{".zip", "application/zip"},
	{".gz", "application/gzip"},
	{".txt", "text/plain"},
	{".csv", "text/csv"},
	{".html", "text/html"},
	{".jpg", "image/jpeg"},
	{".jpeg", "image/jpeg"},
	{".png", "image/png"},
	{".tif", "image/tiff"},
	{".tiff", "image/tiff"},
	{".mp4", "video/mp4"},
	{".odt", "application/vnd.oasis.opendocument.text"},
	{".docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
	{".xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
};

const char *mime_of_name(emr_bytes name)
{
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		size_t len = strlen(types[i].ending);

		if (name.len > len && strncasecmp((const char *)name.data + name.len - len,
					      types[i].ending, len) == 0)
			return types[i].type;
	}
	return "application/octet-stream";
}
