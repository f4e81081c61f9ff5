<p>${content}, ${tg.url('/page')}</p>
