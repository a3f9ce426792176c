import WorkflowModel

extension OpenAPIDocument {
    static var approvalPaths: Members {
        [
            (
                "/api/v1/approvals",
                path([], [(
                    "get",
                    operation(
                        "listApprovals", "Approvals, newest first.",
                        parameters: ["limit", "approvalCursor", "ofWorkflow", "ofApprovalStatus"],
                        [("200", page(of: "ApprovalItem")), ("400", problem("invalid_parameter"))])
                )])
            ),
            ("/api/v1/executions/{id}/approval", path(["id"], [("post", decide)])),
            ("/approvals/{token}", path(["token"], [("get", showLink), ("post", decideByLink)])),
        ]
    }

    private static var decide: JSONValue {
        operation(
            "decide", "One vote; recorded when answered. The same vote again gets the same answer.",
            body: body(schema("Vote")),
            [
                ("200", answer("The approval after the vote.", schema("Approval"))),
                ("403", problem("role_required, not_an_approver or four_eyes, with the rule")),
                ("404", problem("unknown_execution or unknown_approval")),
                (
                    "409",
                    problem(
                        "approval_decided, already_voted or approval_ambiguous; with the outcome or what is pending")
                ),
                ("422", problem("invalid_body, invalid_form or comment_too_long, with every fault")),
            ])
    }

    private static var showLink: JSONValue {
        operation(
            "showApprovalLink", "What a link asks to decide; a page for browsers. Decides nothing.",
            [
                ("200", linkAnswer("The approval.", "ApprovalItem")),
                ("403", problem("four_eyes or group_link: the link is a group's, and it matters who decides")),
                ("404", problem("link_not_valid")),
                ("410", problem("link_expired, link_used or approval_decided; with the approval's status")),
            ], isOpen: true)
    }

    private static var decideByLink: JSONValue {
        operation(
            "decideByLink", "The decision of the approver whom the link names; uses the link up.",
            body: [
                "required": true,
                "content": [
                    "application/json": ["schema": schema("Vote")],
                    "application/x-www-form-urlencoded": ["schema": schema("Vote")],
                ],
            ],
            [
                ("200", linkAnswer("The approval after the vote.", "Approval")),
                (
                    "403",
                    problem(
                        "four_eyes, group_link or not_an_approver: the approver started the execution, or the link is a "
                            + "group's and it matters who decides")
                ),
                ("404", problem("link_not_valid")),
                ("410", problem("link_expired, link_used or approval_decided; with the approval's status")),
                ("422", problem("invalid_body, invalid_form or comment_too_long, with every fault")),
            ], isOpen: true)
    }

    private static func linkAnswer(_ description: String, _ name: String) -> JSONValue {
        [
            "description": .string(description),
            "content": [
                "application/json": ["schema": schema(name)], "text/html": ["schema": ["type": "string"]],
            ],
        ]
    }
}
