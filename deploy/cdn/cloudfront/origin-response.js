// Lambda@Edge (Node.js) for origin responses.
//
// CloudFront does not know CDN-Cache-Control (RFC 9213): its max-age is given to it as s-maxage, and the headers that are for
// the edge alone go no further. `private` and `no-store` stay what they are.

'use strict';

exports.handler = async (event) => {
    const { response } = event.Records[0].cf;
    const { headers } = response;
    const said = headers['cdn-cache-control'] && headers['cdn-cache-control'][0].value;
    const home = headers['cache-control'] && headers['cache-control'][0].value;
    if (said && home && !/(?:private|no-store)/i.test(home)) {
        const seconds = /(?:^|[,\s])max-age=(\d+)/i.exec(said);
        const value = seconds ? `${home}, s-maxage=${seconds[1]}` : `${home}, s-maxage=0`;
        headers['cache-control'] = [{ key: 'Cache-Control', value }];
    }
    delete headers['cdn-cache-control'];
    delete headers['surrogate-key'];
    delete headers['cache-tag'];
    return response;
};
