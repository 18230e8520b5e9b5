CREATE TABLE categories (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    name TEXT NOT NULL CONSTRAINT categories_name_key UNIQUE,
    display_name TEXT NOT NULL,
    description TEXT,
    icon TEXT,
    color TEXT,
    sort_order INTEGER NOT NULL DEFAULT 0,
    is_active INTEGER NOT NULL DEFAULT 1 CHECK (is_active IN (0, 1)),
    -- How many active agents stand in it; kept in the transaction that changes an agent.
    agent_count INTEGER NOT NULL DEFAULT 0 CONSTRAINT categories_agent_count_positive CHECK (agent_count >= 0),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    CONSTRAINT categories_name_slug CHECK (name NOT GLOB '*[^a-z0-9-]*' AND name NOT GLOB '-*' AND name NOT GLOB '*-' AND name NOT GLOB '*--*' AND length(name) BETWEEN 1 AND 50),
    CONSTRAINT categories_color_hex CHECK (color GLOB '#[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]')
) STRICT, WITHOUT ROWID;

-- 1795392000000000 is 2026-11-23T00:00:00Z.
INSERT INTO categories (id, name, display_name, description, icon, color, sort_order, created_at, updated_at) VALUES
    (x'019ab000000070008000000000000001', 'productivity', 'Productivity', 'Agents that plan, schedule, remind and take routine work off people''s hands.', 'check-square', '#2563eb', 10, 1795392000000000, 1795392000000000),
    (x'019ab000000070008000000000000002', 'development', 'Development', 'Agents that write, review, test and ship software.', 'code', '#7c3aed', 20, 1795392000000000, 1795392000000000),
    (x'019ab000000070008000000000000003', 'content', 'Content', 'Agents that write, edit, translate and illustrate.', 'pen-tool', '#db2777', 30, 1795392000000000, 1795392000000000),
    (x'019ab000000070008000000000000004', 'analysis', 'Analysis', 'Agents that query, measure, forecast and explain data.', 'bar-chart', '#059669', 40, 1795392000000000, 1795392000000000),
    (x'019ab000000070008000000000000005', 'automation', 'Automation', 'Agents that connect systems and run workflows on their own.', 'zap', '#d97706', 50, 1795392000000000, 1795392000000000),
    (x'019ab000000070008000000000000006', 'communication', 'Communication', 'Agents that answer, summarise and route messages and calls.', 'message-circle', '#0891b2', 60, 1795392000000000, 1795392000000000);
