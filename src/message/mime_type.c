/*
 * mime_type.c - the media type of a file by the end of its name.
 */
#include "message/mime_type.h"

#include "base/banned.h"

static const struct {
	const char *end, *type;
} rows[] = {
	{".avif", "image/avif"},
	{".bmp", "image/bmp"},
	{".bz2", "application/x-bzip2"},
	{".css", "text/css"},
	{".csv", "text/csv"},
	{".doc", "application/msword"},
	{".docx", "application/vnd.openxmlformats-officedocument"
		  ".wordprocessingml.document"},
	{".eml", "application/octet-stream"}, /* base64 is not for message/rfc822
						 (RFC 2046 5.2.1) */
	{".gif", "image/gif"},
	{".gz", "application/gzip"},
	{".htm", "text/html"},
	{".html", "text/html"},
	{".ics", "text/calendar"},
	{".jpeg", "image/jpeg"},
	{".jpg", "image/jpeg"},
	{".json", "application/json"},
	{".md", "text/markdown"},
	{".mp3", "audio/mpeg"},
	{".mp4", "video/mp4"},
	{".odp", "application/vnd.oasis.opendocument.presentation"},
	{".ods", "application/vnd.oasis.opendocument.spreadsheet"},
	{".odt", "application/vnd.oasis.opendocument.text"},
	{".ogg", "audio/ogg"},
	{".pdf", "application/pdf"},
	{".png", "image/png"},
	{".ppt", "application/vnd.ms-powerpoint"},
	{".pptx", "application/vnd.openxmlformats-officedocument"
		  ".presentationml.presentation"},
	{".rtf", "application/rtf"},
	{".svg", "image/svg+xml"},
	{".tar", "application/x-tar"},
	{".tif", "image/tiff"},
	{".tiff", "image/tiff"},
	{".txt", "text/plain"},
	{".vcf", "text/vcard"},
	{".wav", "audio/wav"},
	{".webm", "video/webm"},
	{".webp", "image/webp"},
	{".xls", "application/vnd.ms-excel"},
	{".xlsx", "application/vnd.openxmlformats-officedocument"
		  ".spreadsheetml.sheet"},
	{".xml", "application/xml"},
	{".zip", "application/zip"},
};

const char *mime_type_of_name(struct span name)
{
	size_t dot = span_find_last(name, '.');

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (span_eq_fold(span_tail(name, dot), span_str(rows[i].end)))
			return rows[i].type;
	return "application/octet-stream";
}
