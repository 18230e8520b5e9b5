// CloudFront Function (cloudfront-js-2.0) for viewer requests.
//
// Sorts the query, so that equal questions are one object, and puts `ids` first: invalidations are by path, and
// /api/v1/marketplace/agents?ids=* is how lists by ids are found. What administers the server is not for out here.

function handler(event) {
    var request = event.request;
    if (request.uri === '/metrics') {
        return { statusCode: 404, statusDescription: 'Not Found' };
    }
    var query = request.querystring;
    var names = Object.keys(query).sort(function (a, b) {
        if (a === 'ids' || b === 'ids') {
            return a === b ? 0 : a === 'ids' ? -1 : 1;
        }
        return a < b ? -1 : a > b ? 1 : 0;
    });
    var sorted = {};
    for (var i = 0; i < names.length; i++) {
        sorted[names[i]] = query[names[i]];
    }
    request.querystring = sorted;
    return request;
}
